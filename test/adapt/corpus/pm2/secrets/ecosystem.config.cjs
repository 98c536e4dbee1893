module.exports = {
  apps: [{
    name: "api",
    script: "index.js",
    env: {
      PORT: 5001,
      JWT_SECRET: "keyboard cat keyboard cat",
      DATABASE_URL: "mysql://root:toor@127.0.0.1:3306/shop",
      AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
      AWS_REGION: "eu-central-1",
      STRIPE_KEY: process.env.STRIPE_KEY,
    },
  }],
}
