'use strict';
// Read by whatever Node a machine has, like `candor`.

/*
 * Node keeps what V8 has compiled of Candor's modules, so that the next start reads it instead of compiling again: half of what a start
 * costs. V8 executes what it finds there. So the folder belongs to this user alone, and so does, or to root, every folder above it; where
 * that is not so, nothing is kept. A file that is damaged or was made by another Node is ignored, and replaced (Node's documentation,
 * "Module compile cache"). `NODE_COMPILE_CACHE` names another folder, and `NODE_DISABLE_COMPILE_CACHE=1` keeps nothing.
 *
 * No variable of the environment is set: applications that Candor starts inherit it. Threads are told by `src/system/compile-cache.ts`.
 */

var fs = require('fs');
var path = require('path');

var OWN_ALONE = parseInt('700', 8);
var OF_OTHERS = parseInt('077', 8);
var WRITE_OF_OTHERS = parseInt('022', 8);
var STICKY = parseInt('1000', 8);

/** systemd names a folder of the service (`CacheDirectory=`), people have theirs: one that exists, and the names of those below it. */
function placeFor(env) {
  if (env.CACHE_DIRECTORY) return [env.CACHE_DIRECTORY.split(':')[0], 'compiled'];
  if (env.XDG_CACHE_HOME) return [env.XDG_CACHE_HOME, 'candor', 'compiled'];
  return [env.HOME || '', '.cache', 'candor', 'compiled'];
}

/** Not by `recursive`, with which Node never returns where the system says that a folder that exists does not. */
function makeFolder(folder) {
  try {
    fs.mkdirSync(folder, OWN_ALONE);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
}

function isOwn(folder) {
  var own = process.geteuid();
  var stats = fs.statSync(folder);
  if (stats.uid !== own || (stats.mode & OF_OTHERS) !== 0) return false;
  for (var above = path.dirname(folder); ; above = path.dirname(above)) {
    stats = fs.statSync(above);
    // In a folder like /tmp (01777) others cannot replace what is not theirs.
    var isShared = (stats.mode & WRITE_OF_OTHERS) !== 0 && (stats.mode & STICKY) === 0;
    if (isShared || (stats.uid !== own && stats.uid !== 0)) return false;
    if (above === path.dirname(above)) return true;
  }
}

/** The folder to use, which exists from now on; null: none. */
exports.cacheFolder = function (env) {
  try {
    var place = placeFor(env);
    var folder = place[0];
    if (!path.isAbsolute(folder)) return null;
    place.slice(1).forEach(function (name) {
      folder = path.join(folder, name);
      makeFolder(folder);
    });
    folder = fs.realpathSync(folder);
    return isOwn(folder) ? folder : null;
  } catch {
    // A full disk, a folder that cannot be written: the start takes longer, and nothing else changes.
    return null;
  }
};

exports.keepCompiled = function (env) {
  // With the variable Node has begun to keep it. Systems without users have other rights.
  if (env.NODE_COMPILE_CACHE || !process.geteuid) return;
  var folder = exports.cacheFolder(env);
  if (folder !== null) require('module').enableCompileCache(folder);
};
