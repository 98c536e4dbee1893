const fs = require('fs');
const apps = fs.readdirSync('./services').map((name) => ({ name, script: `./services/${name}/index.js` }));
module.exports = {
  apps: [
    { name: 'gateway', script: 'gateway.js', instances: require('os').cpus().length - 1, env: { PORT: 8000 } },
    ...apps,
  ],
};
