module.exports = { apps: [{
  name: 'dev',
  script: 'src/index.ts',
  interpreter: 'node',
  interpreter_args: '--import tsx',
  watch: ['src'],
  ignore_watch: ['node_modules'],
  cron_restart: '0 4 * * *',
  env: { PORT: 3000 },
  log_date_format: 'YYYY-MM-DD',
  shutdown_with_message: true,
}] };
