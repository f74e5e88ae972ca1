// Runs componentize-js by its API: its command goes by way of jco, which does not run on every Node.js.
//
// node componentize.mjs <package folder> <project> <contract> <world> <out>
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [, , tool, project, contract, world, out] = process.argv;
const { exports, main } = JSON.parse(await readFile(join(tool, 'package.json'), 'utf8'));
const { componentize } = await import(pathToFileURL(join(tool, exports?.import ?? main)));

// The plugin, with its exceptions turned into errors that can be read: uncaught, they reach the host as a bare `unreachable`.
const role = world.replace(/-plugin$/, '');
const entry = join(project, `.wtaf-entry-${process.pid}.js`);
await writeFile(
  entry,
  `import * as plugin from './plugin.js';
const told = (error) => (error instanceof Error ? { tag: 'internal', val: error + '\\n' + (error.stack ?? '') } : error);
const wrapped = (call) => (...given) => { try { return call(...given); } catch (error) { throw told(error); } };
const own = plugin[${JSON.stringify(role)}] ?? plugin.default?.[${JSON.stringify(role)}];
if (!own) throw new Error('plugin.js exports no ${role}: export const ${role} = { … }');
export const ${role} = Object.fromEntries(Object.entries(own).map(([name, call]) => [name, wrapped(call.bind(own))]));
`,
);
try {
  const { component } = await componentize({
    sourcePath: entry,
    witPath: contract,
    worldName: world,
    // Nothing of the machine: the component then imports nothing but the contract.
    disableFeatures: ['http', 'random', 'stdio', 'clocks', 'fetch-event'],
  });
  await writeFile(out, component);
} finally {
  await rm(entry, { force: true });
}
