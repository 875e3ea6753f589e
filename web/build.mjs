// Bundles the page into dist/: index.html, and beside it files whose names carry a hash of what is in
// them, so that a browser may keep them for good.
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const dist = `${here}dist/`;

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
const result = await build({
  absWorkingDir: here,
  entryPoints: { app: 'src/main.tsx' },
  outdir: dist,
  entryNames: '[name]-[hash]',
  assetNames: '[name]-[hash]',
  loader: { '.woff2': 'file' },
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['chrome109', 'firefox115', 'safari16'],
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
});

const made = Object.keys(result.metafile.outputs).map((path) => basename(path));
const named = (pattern) => {
  const found = made.find((name) => pattern.test(name));
  if (!found) throw new Error(`esbuild made nothing like ${pattern}: ${made.join(' ')}`);
  return found;
};
const html = (await readFile(`${here}src/index.html`, 'utf8'))
  .replaceAll('{{app.js}}', named(/^app-.*\.js$/))
  .replaceAll('{{app.css}}', named(/^app-.*\.css$/));
await writeFile(`${dist}index.html`, html);
await cp(`${here}src/icon.svg`, `${dist}icon.svg`);

for (const [path, { bytes }] of Object.entries(result.metafile.outputs))
  console.log(`web: ${basename(path)} ${(bytes / 1024).toFixed(1)} KiB`);
