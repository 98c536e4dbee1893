import { resolve } from 'node:path';
import { currentDashboard } from './dashboard.ts';

/** Builds the dashboard where a source checkout serves it from, or into the folder that is given, if its sources have changed. */
const [folder] = process.argv.slice(2);
console.log(await currentDashboard(...(folder === undefined ? [] : [resolve(folder)])));
