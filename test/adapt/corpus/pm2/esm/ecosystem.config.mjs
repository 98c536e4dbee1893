const port = Number(process.env.PORT ?? 3000);
export default {
  apps: [{
    name: `shop-${'web'}`,
    script: 'server.mjs',
    env: { PORT: port, HOSTNAME: require('os').hostname(), NAME: 'a' + 'b' },
    uid: 'www-data',
    gid: 'www-data',
  }],
};
