'use strict';
// The first line of every npm script: runs a file of this repository on the Node that `npm ci` brought.
// Read by whatever Node a machine has, like `bin/candor`.

var fs = require('fs');
var path = require('path');
var url = require('url');
var ownNode = require('../bin/own-node.cjs');

var file = path.resolve(ownNode.root, process.argv[2]);
var args = process.argv.slice(3);
var own = ownNode.findOwnNode();

if (!fs.existsSync(path.join(ownNode.root, 'node_modules'))) {
  console.error('Candor has not fetched what it is made of: run `npm ci` first.');
  process.exit(1);
} else if (own === null && !ownNode.isRecent()) {
  console.error(
    'Candor needs Node ' +
      ownNode.OLDEST +
      ' and brings its own, but node_modules/node has no binary' +
      ' (this is ' +
      process.version +
      '): run `npm ci`, without --ignore-scripts.',
  );
  process.exit(1);
} else if (ownNode.isRecent()) {
  process.argv.splice(1, 2, file);
  void import(url.pathToFileURL(file).href);
} else {
  ownNode.runOn(own, file, args);
}
