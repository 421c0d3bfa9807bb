import { kubectlSuites } from "./kubectl/suites.ts";

kubectlSuites("node");
