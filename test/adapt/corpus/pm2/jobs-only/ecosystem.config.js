module.exports = {
  apps: [{ name: 'backup', script: './backup.sh', autorestart: false, cron_restart: '30 2 * * 0', env_file: '.env.backup' }],
};
