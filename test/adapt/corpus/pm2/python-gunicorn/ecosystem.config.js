module.exports = { apps: [
  { name: 'flask', script: 'venv/bin/gunicorn', args: 'app:app -b 127.0.0.1:8000 -w 4', interpreter: 'none', cwd: '/srv/flask' },
  { name: 'celery', script: 'venv/bin/celery -A app worker', interpreter: 'none', cwd: '/srv/flask', exp_backoff_restart_delay: 100 },
  { name: 'flask-queue', script: './queue.sh', cwd: '/srv/flask' },
] };
