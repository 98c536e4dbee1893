module.exports = {
  apps: [
    { name: 'api', script: 'dist/main.js', env: { PORT: 4000, NODE_ENV: 'production', QUEUE: 'none' } },
    { name: 'mail-worker', script: 'dist/worker.js', env: { NODE_ENV: 'production', QUEUE: 'mail', MAIL_PASSWORD: 'hunter2' } },
    { name: 'sms-worker', script: 'dist/worker.js', env: { QUEUE: 'sms' } },
    { name: 'report', script: 'dist/report.js', autorestart: false, cron_restart: '0 3 * * *', env: { YEARS: '2' } },
  ],
};
