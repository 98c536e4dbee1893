'use strict';
// Read by whatever Node a machine has: nothing newer than ES2015 in here.

/*
 * SIGUSR1 makes Node open its inspector at 127.0.0.1:9229, where any user of the machine runs code as the user of the
 * process. People send SIGUSR1 to have a log reopened, as with nginx. A listener for the signal keeps Node from opening it;
 * this one stays for as long as the process lives, so that the signal never ends the process either.
 *
 * Started as the program that it is, `candor` has given Node an address where nobody can listen, so that nothing opens before
 * this file is read. Started as `node bin/candor`, a signal that came before may have opened the inspector, or open it in a
 * moment: Node then tells `process`, and it is closed at once. `--disable-sigusr1` would do as well, but it blocks the
 * signal for good, and no log could be reopened by it.
 */

var openedOnPurpose = /(^|\s)--inspect(-brk|-wait)?(=|\s|$)/;

function wasAskedFor() {
  return openedOnPurpose.test(process.execArgv.join(' ') + ' ' + (process.env.NODE_OPTIONS || ''));
}

function closeInspector() {
  var inspector = require('inspector');
  if (inspector.url() !== undefined) inspector.close();
}

/** Milliseconds from now on in which a signal of before may still open the inspector: the thread that opens it may be slow. */
var lookAtMs = [0, 10, 50, 200, 1000, 5000];

exports.refuseInspector = function () {
  process.on('SIGUSR1', function () {});
  // Node can be built without an inspector.
  if (wasAskedFor() || !process.features.inspector) return;
  process.on('internalMessage', function (message) {
    if (message && message.cmd === 'NODE_DEBUG_ENABLED') closeInspector();
  });
  lookAtMs.forEach(function (ms) {
    setTimeout(closeInspector, ms).unref();
  });
};
