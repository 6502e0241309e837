/** The files of a page. A fixed list: a path that is not on it does not exist. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Route, send } from "./http.js";

/** Beside the compiled program: dist/web. */
const webDir = new URL("../../web/", import.meta.url);

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
  wasm: "application/wasm",
};

/** "index.html" is the page at "/". `folder`: below web/; the files of "shared" come along. */
export function assetRoutes(folder: string, files: readonly string[]): Route[] {
  const own = files.map((file) => assetRoute(folder, file, file === "index.html" ? "" : file));
  return [...own, assetRoute("shared", "style.css", "style.css"), assetRoute("shared", "icon.svg", "icon.svg")];
}

function assetRoute(folder: string, file: string, path: string): Route {
  const from = fileURLToPath(new URL(`${folder}/${file}`, webDir));
  return {
    method: "GET",
    path: new RegExp(`^/${path.replaceAll(".", "\\.")}$`),
    handle: async (_, response) => send(response, types[file.split(".").at(-1)!]!, await readFile(from)),
  };
}
