import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enlargeHeadBuffer, raiseTimeout, nameInCertificate, speakPlainly, trustAuthority } from './fixes.ts';

const nginx = { product: 'nginx', module: 'proxy', isStream: false } as const;
const grpc = { ...nginx, module: 'grpc' } as const;
const ingress = { ...nginx, product: 'ingress-nginx' } as const;
const stream = { ...nginx, isStream: true } as const;

test('a stream has one timeout for both directions, ten minutes by default', () => {
  for (const which of ['send', 'read'] as const) {
    const { text, snippet } = raiseTimeout(which, stream);
    assert.match(text, /`proxy_timeout` \(10m unless set\)/);
    assert.equal(snippet, 'proxy_timeout 20m;');
  }
  assert.match(raiseTimeout('connect', stream).text, /`proxy_connect_timeout` \(60s unless set\)/);
});

test('modules with a single buffer get a fix for that buffer alone', () => {
  assert.equal(enlargeHeadBuffer(grpc).snippet, 'grpc_buffer_size 16k;');
  assert.equal(enlargeHeadBuffer({ ...nginx, module: 'memcached' }).snippet, 'memcached_buffer_size 16k;');
  assert.match(enlargeHeadBuffer({ ...nginx, module: 'fastcgi' }).snippet ?? '', /^fastcgi_buffers /m);
});

test('TLS fixes name the directives of the module, or the settings of the product', () => {
  assert.equal(nameInCertificate(grpc).snippet, 'grpc_ssl_name app.example.com;\ngrpc_ssl_server_name on;');
  assert.match(trustAuthority(nginx).text, /into `proxy_ssl_trusted_certificate`,/);
  assert.match(trustAuthority(ingress).text, /into the annotation `proxy-ssl-secret`,/);
  assert.match(trustAuthority(ingress).snippet ?? '', /proxy-ssl-secret: .*\n.*proxy-ssl-verify-depth: "3"$/);
  assert.equal(nameInCertificate({ ...nginx, product: 'kong' }).snippet, null);
  assert.equal(speakPlainly(grpc).snippet, 'grpc_pass grpc://HOST:PORT;');
  assert.equal(speakPlainly(stream).snippet, 'proxy_ssl off;');
});
