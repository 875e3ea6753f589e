// node build.mjs FOLDER: bundles the test pages into it, with the packages of web/.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const web = fileURLToPath(new URL('../../web/', import.meta.url));
const { build } = createRequire(`${web}package.json`)('esbuild');
await build({
  absWorkingDir: here,
  entryPoints: ['rig.ts', 'janus.ts'],
  outdir: process.argv[2],
  nodePaths: [`${web}node_modules`],
  bundle: true,
  format: 'iife',
  target: 'chrome109',
  logLevel: 'warning',
});
