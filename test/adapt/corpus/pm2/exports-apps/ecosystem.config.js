'use strict';
// One per site
exports.apps = [
  { name: "blog", script: "./node_modules/next/dist/bin/next", args: "start -p 3005", cwd: "/home/blog/app",
    out_file: "/home/blog/out.log", merge_logs: true, max_restarts: 10, min_uptime: "30s" },
];
