const path = require('path');
const cwd = '/srv/shop/current';
const common = { NODE_ENV: 'production', LOG_LEVEL: process.env.LOG_LEVEL || 'info' };

module.exports = {
  apps: [
    { name: 'api', cwd, script: 'dist/main.js', instances: 'max', exec_mode: 'cluster', env: { ...common, PORT: 4000 },
      kill_timeout: 5000, wait_ready: true, listen_timeout: 10000 },
    { name: 'web', cwd, script: 'npm', args: 'start', env: { ...common, PORT: '3000' }, watch: false },
    { name: 'mail-worker', cwd, script: 'dist/worker.js', args: ['--queue', 'mail'], instances: 2, env: common },
    { name: 'report', cwd, script: 'dist/report.js', autorestart: false, cron_restart: '0 3 * * *' },
  ],
  deploy: { production: { user: 'deploy', host: ['10.0.0.5'], ref: 'origin/main', repo: 'git@example.org:shop.git', path: '/srv/shop' } },
};
