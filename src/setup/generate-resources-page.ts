/** `npm run docs`: writes docs/resources.md. */
import { writeFileSync } from "node:fs";
import { resourcesPage } from "./resources-page.ts";

writeFileSync(new URL("../../docs/resources.md", import.meta.url), resourcesPage());
