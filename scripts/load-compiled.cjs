'use strict';
// Copied into the bundle of the tests: loads a program with the code that V8 had compiled when the program had run for a while.

const { readFileSync, renameSync, writeFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { dirname } = require('node:path');
const { fileURLToPath } = require('node:url');
const { cachedDataVersionTag, setFlagsFromString } = require('node:v8');
const vm = require('node:vm');

/** By then it has served. */
const restMs = 1000;

/** A gateway sets these while it runs; V8 takes only code that was compiled under the same flags. */
const usualFlags = ['--maglev-destroy-on-background', '--allocation-site-pretenuring', '--no-expose-gc'];

/** What the program whose stub has this URL exports; null: nothing is kept for the flags of this process. */
exports.loadCompiled = function (url) {
  const stub = fileURLToPath(url);
  const file = stub.replace(/\.js$/, '.cjs');
  const tag = cachedDataVersionTag();
  const command = process.argv[2];
  // Commands that serve run other code than the rest.
  const kept = `${file}.${tag}.${command === 'up' || command === 'run' ? 'serves' : 'asks'}`;
  const isKeeper = Boolean(process.env.CANDOR_KEEPS_COMPILED);
  const cachedData = isKeeper ? undefined : readOrUndefined(kept);
  if (cachedData === undefined && !isKeeper) return null;
  const script = new vm.Script(readFileSync(file, 'latin1'), {
    filename: url,
    cachedData,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const loaded = { exports: {} };
  if (isKeeper) keepLater(script, kept, tag);
  script.runInThisContext()(loaded.exports, createRequire(url), loaded, url, dirname(stub));
  return loaded.exports;
};

function readOrUndefined(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** Each time with more; a thread may be terminated before its end. */
function keepLater(script, path, tag) {
  const keep = () => {
    usualFlags.forEach((flag) => setFlagsFromString(flag));
    if (cachedDataVersionTag() !== tag) return;
    writeFileSync(`${path}.part`, script.createCachedData());
    renameSync(`${path}.part`, path);
  };
  process.on('exit', keep);
  setTimeout(keep, restMs).unref();
}
