import type { BootCase } from './boot-case.ts';

export const phpCases: readonly BootCase[] = [
  {
    name: 'php-parse-error',
    language: 'php',
    what: 'a semicolon is missing before line 4',
    files: {
      'server.php': `<?php\n$port = getenv('PORT');\n$address = "127.0.0.1:$port"\n$server = stream_socket_server("tcp://$address");\n`,
    },
    command: 'php server.php',
    expected: { from: 'exit', facts: [/syntax error, unexpected variable/, /server\.php(?: on line |:)4\b/] },
  },
  {
    name: 'php-missing-extension',
    language: 'php',
    what: 'calls a function of an extension that is not loaded',
    files: { 'server.php': `<?php\n\n$db = mysqli_connect('127.0.0.1');\n` },
    command: 'php server.php',
    expected: { from: 'exit', facts: [/undefined function mysqli_connect/, /server\.php(?::| on line )3\b/] },
  },
  {
    name: 'php-no-vendor',
    language: 'php',
    what: 'vendor/autoload.php is missing: composer install was not run',
    files: { 'server.php': `<?php\nrequire __DIR__ . '/vendor/autoload.php';\n` },
    command: 'php server.php',
    expected: { from: 'exit', facts: [/vendor\/autoload\.php/], better: [/composer/] },
  },
  {
    name: 'php-no-folder',
    language: 'php',
    what: 'php -S with a folder that is not there',
    command: 'php -S 127.0.0.1:{port} -t public_of_shop',
    expected: { from: 'exit', facts: [/public_of_shop/, /does not exist|no such/i] },
  },
  {
    name: 'php-address-in-use',
    language: 'php',
    what: 'php -S at a port that another process has',
    files: {
      'holder.php': `<?php\n$s = stream_socket_server('tcp://127.0.0.1:OTHERPORT');\ntouch('beside-up');\nsleep(120);\n`,
    },
    beside: ['php', 'holder.php'],
    command: 'php -S 127.0.0.1:OTHERPORT',
    expected: {
      from: 'exit',
      facts: [/Address already in use/i, /OTHERPORT/],
      better: [/\bOTHERPID\b/],
      may: ['port taken'],
    },
  },
  {
    name: 'php-router-throws',
    language: 'php',
    what: 'php -S with a router that throws: each answer is 500, and the log has the exception',
    files: { 'router.php': `<?php\nthrow new RuntimeException('no such table: products_of_shop');\n` },
    command: 'php -d display_errors=0 -d log_errors=1 -d error_log=/dev/stderr -S 127.0.0.1:{port} router.php',
    expected: { from: 3000, facts: [/\b500\b/], better: [/no such table: products_of_shop/] },
  },
];

export const phpControls: readonly BootCase[] = [
  {
    name: 'good-php',
    language: 'php',
    what: 'php -S with an index',
    files: { 'index.php': `<?php echo 'ok';\n` },
    command: 'php -S 127.0.0.1:{port}',
    expected: { readyWithinMs: 8000 },
  },
];
