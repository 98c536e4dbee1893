'use strict';
// The first line of every npm script: runs a file of this repository on the Node that `npm ci` brought, which npm puts first on the path.
// Read by whatever Node a machine has, like `bin/candor`.

var fs = require('fs');
var path = require('path');
var url = require('url');

var root = path.dirname(__dirname);
var needed = Number(/\d+/.exec(require('../package.json').engines.node)[0]);

if (!fs.existsSync(path.join(root, 'node_modules'))) {
  console.error('Candor has not fetched what it is made of: run `npm ci` first.');
  process.exit(1);
} else if (Number(process.versions.node.split('.')[0]) < needed) {
  console.error(
    'Candor needs Node ' +
      needed +
      ' and brings its own, but node_modules/node has no binary' +
      ' (this is ' +
      process.version +
      '): run `npm ci`, without --ignore-scripts.',
  );
  process.exit(1);
} else {
  var file = path.resolve(root, process.argv[2]);
  process.argv.splice(1, 2, file);
  void import(url.pathToFileURL(file).href);
}
