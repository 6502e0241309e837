// What tsc does not make: .proto files and pages travel to dist/ as they are, the pages' programs are bundled, with all
// they need from packages, so that a page loads nothing from anywhere else.
import { cpSync, mkdirSync } from "node:fs";
import { rolldown } from "rolldown";

cpSync("proto", "dist/proto", { recursive: true });
cpSync("assets", "dist/assets", { recursive: true });
cpSync("worker/export", "dist/worker/export", { recursive: true, filter: (path) => !/[.]ts$/.test(path) });
cpSync("web", "dist/web", { recursive: true, filter: (path) => !/[.](ts|json)$/.test(path) });

const wasm = "node_modules/@tensorflow/tfjs-backend-wasm/dist";
mkdirSync("dist/web/serve/wasm", { recursive: true });
for (const name of ["tfjs-backend-wasm.wasm", "tfjs-backend-wasm-simd.wasm"]) {
  cpSync(`${wasm}/${name}`, `dist/web/serve/wasm/${name}`);
}

const bundles = {
  "web/dashboard/app.ts": "dist/web/dashboard/app.js",
  "web/serve/app.ts": "dist/web/serve/app.js",
  "web/serve/engine.ts": "dist/web/serve/engine.js",
  "web/export/postprocess.ts": "dist/web/export/postprocess.js",
};
for (const [input, file] of Object.entries(bundles)) {
  const bundle = await rolldown({
    input,
    platform: "browser",
    // Node's modules that tfjs names for other platforms than a browser.
    external: ["fs", "path", "worker_threads", "perf_hooks", "os", "util", "crypto", "string_decoder"],
    resolve: { extensionAlias: { ".js": [".ts", ".js"] } },
    logLevel: "warn",
  });
  await bundle.write({ file, format: "esm", minify: true });
  await bundle.close();
}
