/** What `gantry up` is told of admission plugins: the options of kube-apiserver. */
import { parsePluginChoice, type PluginChoice } from "../admission/plugin-choice.ts";
import { StartupError } from "../platform/node/server.ts";

/** @throws StartupError for a plugin that there is not, or that is both on and off */
export function pluginsOf(options: {
  enableAdmissionPlugins?: string;
  disableAdmissionPlugins?: string;
}): PluginChoice {
  const { enableAdmissionPlugins: enable, disableAdmissionPlugins: disable } = options;
  try {
    return parsePluginChoice({ enable, disable });
  } catch (error) {
    throw new StartupError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
