'use strict';
// Read by whatever Node a machine has: nothing newer than ES2015 in here.

var fs = require('fs');
var path = require('path');

/** The oldest major version that runs Candor: the first long-term one with `node:sqlite` and TypeScript as it is. */
var OLDEST = 24;

/** As the shell of `candor` does: SIGUSR1 opens no inspector, because it may listen at an address of nobody's only. */
var CLOSED_INSPECTOR = '--inspect-port=192.0.2.1:9229';

var root = path.dirname(path.dirname(fs.realpathSync(__filename)));

/** Whether the Node that reads this is new enough. */
function isRecent() {
  return Number(process.versions.node.split('.')[0]) >= OLDEST;
}

/** The path of the Node that `npm ci` brought into this repository, or that was installed beside the package, or null: as the shell of `candor` finds it. */
function findOwnNode() {
  var folders = [path.join(root, 'node_modules', 'node'), path.join(path.dirname(root), 'node')];
  for (var i = 0; i < folders.length; i++) {
    // On Windows an empty placeholder stands beside node.exe.
    var files = ['node', 'node.exe'].map(function (name) {
      return path.join(folders[i], 'bin', name);
    });
    for (var j = 0; j < files.length; j++)
      if (fs.existsSync(files[j]) && fs.statSync(files[j]).size > 1000000 && majorIn(folders[i]) >= OLDEST)
        return files[j];
  }
  return null;
}

/** That of the npm package in a folder; 0: it has none. */
function majorIn(folder) {
  var manifest = path.join(folder, 'package.json');
  return fs.existsSync(manifest) ? parseInt(JSON.parse(fs.readFileSync(manifest, 'utf8')).version, 10) : 0;
}

/** Runs `file` on `node` in place of this process: same streams, same signals, same exit. */
function runOn(node, file, args) {
  var child = require('child_process').spawn(node, [CLOSED_INSPECTOR, file].concat(args), { stdio: 'inherit' });
  var signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGQUIT'];
  signals.forEach(function (signal) {
    process.on(signal, function () {
      child.kill(signal);
    });
  });
  child.on('error', function () {
    console.error('candor: ' + node + ' cannot be run on this machine; remove node_modules and run `npm ci` again.');
    process.exit(1);
  });
  child.on('exit', function (code, signal) {
    // `candor run` ends so too, for a command that does not exist.
    if (code === 127 && !starts(node)) {
      console.error(
        'candor: ' +
          node +
          ' did not start. If the line above names a library, install it' +
          ' (libatomic.so.1 is in the package libatomic1 of Debian and Ubuntu), or use Node ' +
          OLDEST +
          ' or newer.',
      );
    }
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function starts(node) {
  return require('child_process').spawnSync(node, ['--version'], { stdio: 'ignore' }).status === 0;
}

exports.OLDEST = OLDEST;
exports.root = root;
exports.isRecent = isRecent;
exports.findOwnNode = findOwnNode;
exports.runOn = runOn;
