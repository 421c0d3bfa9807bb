import { kubectlScheduling } from "./kubectl/scheduling.ts";

kubectlScheduling("node");
