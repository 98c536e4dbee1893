module.exports = [{ script: "app.js", instances: -1, increment_var: 'PORT', port: 8080, autorestart: true, treekill: false }];
