export interface ProbeOutcome {
  success: boolean;
  /** What goes into the event when it failed. */
  message: string;
}
