// @ts-check
// The page that explains a search is drawn by the server. Only its frame needs a script.

import { begin } from "./shell.js";

begin();
