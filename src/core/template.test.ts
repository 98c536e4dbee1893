import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { variableSource } from '../exchange/variable-source.test-support.ts';
import { compileTemplate, fillText, foreignVariable, headerText, templateError, variablesIn } from './template.ts';
import { variableForms } from './variables.ts';

const source = variableSource({
  authority: 'example.org:8443',
  target: '/%61dmin//x?a=1&page=2%20b&page=3&empty=',
  headers: { 'user-agent': 'curl/8', 'x-evil': 'a\r\nSet-Cookie: b\u00e9', 'x-name': '50% Gr\xc3\xb6\xc3\x9fe' },
  cookies: { theme: 'dark' },
  captures: { id: '42' },
  tls: {
    version: 'TLSv1.3',
    serverName: 'example.org',
    cipher: 'TLS_AES_128_GCM_SHA256',
    clientCertificate: { subject: 'CN=visitor', issuer: 'CN=CA', fingerprint: 'ab12' },
  },
});

const filled = (text: string): string => fillText(compileTemplate(text), source, headerText);

const values: readonly (readonly [text: string, value: string])[] = [
  ['plain', 'plain'],
  ['{scheme}://{host}:{port}{path}{query}', 'https://example.org:8443/admin/x?a=1&page=2%20b&page=3&empty='],
  ['{method} {protocol}', 'GET HTTP/1.1'],
  ['{client_address} {client_port}', '203.0.113.7 52114'],
  ['{request_id} {route} {listener} {deployment}', '0190 shop web candor'],
  ['{server_name} {tls_version} {tls_cipher}', 'example.org TLSv1.3 TLS_AES_128_GCM_SHA256'],
  ['{certificate_subject} {certificate_fingerprint}', 'CN=visitor ab12'],
  ['{time}', '1970-01-01T00:00:00.000Z'],
  ['{capture.id}{capture.other}', '42'],
  ['{header.User-Agent}{header.Other}', 'curl/8'],
  ['{cookie.theme}{cookie.other}', 'dark'],
  ['{query.page} {query.empty} {query.pag}', '2%20b  '],
  // Nothing that a client sends ends a line.
  ['{header.X-Evil}', 'a%0D%0ASet-Cookie: b%C3%A9'],
  ['{header.X-Name}', '50% Gr%C3%B6%C3%9Fe'],
  ['{{host} is {host}', '{host} is example.org'],
  [
    '{"group":"default","endpoints":[{"url":"https://{host}/r"}]}',
    '{"group":"default","endpoints":[{"url":"https://example.org/r"}]}',
  ],
  ['{ host } {} { {1}', '{ host } {} { {1}'],
];

const errors: readonly (readonly [text: string, message: string, suggestion: RegExp])[] = [
  ['{hots}', 'there is no variable "hots"', /^did you mean \{host\}\?/],
  ['{client_adress}', 'there is no variable "client_adress"', /\{client_address\}/],
  ['{headers.Accept}', 'there is no variable "headers.Accept"', /^did you mean \{header\.Accept\}\?/],
  ['{header}', 'there is no variable "header"', /\{header\.NAME\}/],
  ['{host.x}', 'there is no variable "host.x"', /\{/],
  [
    '{constructor}',
    'there is no variable "constructor"',
    /write one of \{scheme\} .*\{capture\.NAME\}.*; a brace that is meant is \{\{/,
  ],
  ['{__proto__}', 'there is no variable "__proto__"', /./],
  ['{http.request.host}', 'there is no variable "http.request.host"', /^write \{host\}/],
  ['{http.request.header.Accept}', 'there is no variable "http.request.header.Accept"', /^write \{header\.Accept\}/],
  ['{remote_host}', 'there is no variable "remote_host"', /^write \{client_address\}/],
  ['{{ .Request.Host }}', '"{{ .Request.Host }}" is no variable', /^write \{host\}/],
  ['{{path}}', '"{{path}}" is no variable', /\{path\}/],
  ['{capture.nr}', 'the path of the route has no capture "nr"', /^write \{capture\.id\}/],
  ['{host}'.repeat(17), 'the text has 17 variables, and 16 is the most', /./],
];

const foreign: readonly (readonly [text: string, written: string | null, ours?: string | null])[] = [
  ['$remote_addr', '$remote_addr', '{client_address}'],
  ['$scheme://$host', '$scheme', '{scheme}'],
  ['$http_x_tenant', '$http_x_tenant', '{header.x-tenant}'],
  ['$cookie_theme', '$cookie_theme', '{cookie.theme}'],
  ['$arg_page', '$arg_page', '{query.page}'],
  ['$request_uri', '$request_uri', '{path}{query}'],
  ['%[src]', '%[src]', '{client_address}'],
  ['%[req.hdr(Accept)]', '%[req.hdr(Accept)]', '{header.Accept}'],
  ['%REQ(X-Tenant)%', '%REQ(X-Tenant)%', '{header.X-Tenant}'],
  ['%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%', '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%', '{client_address}'],
  ['%{Host}i', '%{Host}i', '{host}'],
  ['%{REQUEST_SCHEME}s', '%{REQUEST_SCHEME}s', '{scheme}'],
  ['$jwt_claim', '$jwt_claim'],
  ['costs $5, 20% off', null],
  ['{host}', null],
];

describe('a text with variables', () => {
  for (const [text, value] of values)
    it(`${text} is ${JSON.stringify(value)}`, () => assert.equal(filled(text), value));

  it('has every variable tried here', () => {
    const all = values.map(([text]) => text).join(' ');
    for (const [form] of variableForms) assert.ok(all.includes(`{${form.replace('NAME', '')}`), form);
  });

  it('tells how its variables are written', () => {
    assert.deepEqual(variablesIn('{{host} {host}{capture.id} { path }'), ['host', 'capture.id']);
  });

  it('costs nothing without variables: it is compiled to a string', () => {
    assert.equal(compileTemplate('max-age=60'), 'max-age=60');
    assert.equal(typeof compileTemplate('{host}'), 'object');
  });

  it('has nothing wrong where every word in braces is a variable', () => {
    for (const [text] of values.filter(([text]) => !text.includes('{capture.')))
      assert.equal(templateError(text), null, text);
    assert.equal(templateError('{capture.id}', ['id']), null);
  });

  for (const [text, message, suggestion] of errors)
    it(`${text.slice(0, 40)} is wrong, with a way out`, () => {
      const error = templateError(text, ['id']);
      assert.equal(error?.message, message);
      assert.match(error.suggestion, suggestion);
    });

  for (const [text, written, ours = null] of foreign)
    it(`${text} ${written === null ? 'has no variable of another gateway' : `is ${ours ?? 'none of ours'}`}`, () => {
      const found = foreignVariable(text);
      assert.equal(found?.written ?? null, written);
      assert.equal(found?.ours ?? null, ours);
    });
});
