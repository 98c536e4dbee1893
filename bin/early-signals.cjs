'use strict';
// Read by whatever Node a machine has: nothing newer than ES2015 in here.

/*
 * SIGHUP and SIGUSR2 end a process that does not listen for them, and the program takes a second to load on a busy machine.
 * So a command that serves listens from here on and remembers what came; `src/cli/signal-source.ts` takes it over. Other
 * commands end by these signals, as when their terminal is closed.
 */

var serving = ['up', 'run', 'demo'];
var signals = ['SIGHUP', 'SIGUSR1', 'SIGUSR2'];

exports.hearEarly = function () {
  if (serving.indexOf(process.argv[2]) === -1) return;
  var came = [];
  var listeners = {};
  signals.forEach(function (signal) {
    listeners[signal] = function () {
      if (came.indexOf(signal) === -1) came.push(signal);
    };
    process.on(signal, listeners[signal]);
  });
  process[Symbol.for('candor.early-signals')] = { came: came, listeners: listeners };
};
