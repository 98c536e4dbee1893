import type { BootCase } from './boot-case.ts';

const rack = `run lambda { |env| [200, { 'Content-Type' => 'text/plain' }, ['ok']] }\n`;
const holder = {
  'holder.rb': `require 'socket'\nserver = TCPServer.new('127.0.0.1', OTHERPORT)\nFile.write('beside-up', '')\nloop { server.accept.close }\n`,
};

export const rubyCases: readonly BootCase[] = [
  {
    name: 'ruby-syntax-error',
    language: 'ruby',
    what: 'an `end` is missing',
    files: { 'app.rb': `require 'socket'\ndef serve\n  loop do\n    puts 'up'\n  end\n\nserve\n` },
    command: 'ruby app.rb',
    expected: { from: 'exit', facts: [/syntax error/i, /app\.rb:7/] },
  },
  {
    name: 'ruby-missing-gem',
    language: 'ruby',
    what: 'requires a gem that is not installed',
    files: { 'app.rb': `require 'sinatra_of_nobody'\n` },
    command: 'ruby app.rb',
    expected: {
      from: 'exit',
      facts: [/cannot load such file -- sinatra_of_nobody/],
      better: [/app\.rb:1/, /gem|bundle/i],
    },
  },
  {
    name: 'ruby-no-method',
    language: 'ruby',
    what: 'calls a method of nil in a file that app.rb requires',
    files: {
      'config.rb': `def host(settings)\n  # The section is missing.\n  settings['production'].fetch('host')\nend\n`,
      'app.rb': `require_relative 'config'\nhost({})\n`,
    },
    command: 'ruby app.rb',
    expected: { from: 'exit', facts: [/undefined method [`']fetch' for nil/, /config\.rb:3/] },
  },
  {
    name: 'ruby-missing-variable',
    language: 'ruby',
    what: 'ENV.fetch of a variable that is not set',
    files: { 'app.rb': `url = ENV.fetch('DATABASE_URL_OF_SHOP')\n` },
    command: 'ruby app.rb',
    expected: { from: 'exit', facts: [/key not found: \\?"DATABASE_URL_OF_SHOP/], better: [/app\.rb:1/, /variable/i] },
  },
  {
    name: 'ruby-address-in-use',
    language: 'ruby',
    what: 'a port that another process has',
    files: { ...holder, 'app.rb': `require 'socket'\nTCPServer.new('127.0.0.1', OTHERPORT)\n` },
    beside: ['ruby', 'holder.rb'],
    command: 'ruby app.rb',
    expected: {
      from: 'exit',
      facts: [/Address already in use|EADDRINUSE/i, /OTHERPORT/],
      better: [/\bOTHERPID\b/],
      may: ['port taken'],
    },
  },
  {
    name: 'ruby-migrations-pending',
    language: 'ruby',
    what: 'raises as Rails does where migrations are pending',
    files: {
      'app.rb': `module ActiveRecord
  class PendingMigrationError < StandardError; end
end
raise ActiveRecord::PendingMigrationError, <<~TEXT


  Migrations are pending. To resolve this issue, run:

          bin/rails db:migrate RAILS_ENV=production

  You have 1 pending migration:

  20261101120000_add_currency_to_orders.rb
TEXT
`,
    },
    command: 'ruby app.rb',
    expected: { from: 'exit', facts: [/Migrations are pending|pending migration/i], better: [/bin\/rails db:migrate/] },
  },
  {
    name: 'rails-pid-file',
    language: 'ruby',
    what: 'a pid file of an earlier run is left, and Rails ends with 1',
    files: {
      'tmp-server.pid': '4242\n',
      'app.rb': `puts '=> Booting Puma'
puts '=> Rails 7.1.3 application starting in production'
puts '=> Run \`bin/rails server --help\` for more startup options'
if File.exist?('tmp-server.pid')
  puts "A server is already running (pid: #{File.read('tmp-server.pid').strip}, file: #{File.expand_path('tmp-server.pid')})."
  puts 'Exiting'
  exit 1
end
`,
    },
    command: 'ruby app.rb',
    expected: {
      from: 'exit',
      facts: [/already running/, /tmp-server\.pid/],
      wrong: [/EADDRINUSE|port .{0,20}(?:taken|in use)/],
    },
  },
  {
    name: 'bundler-missing-gems',
    language: 'ruby',
    what: 'Bundler’s words for gems that are not installed, and exit 7',
    files: {
      'app.rb': `warn 'Could not find rails-7.1.3, puma-6.4.2 in locally installed gems'\nwarn 'Run \`bundle install\` to install missing gems.'\nexit 7\n`,
    },
    command: 'ruby app.rb',
    expected: { from: 'exit', facts: [/Could not find rails-7\.1\.3|bundle install/], better: [/(?:code|status) 7\b/] },
  },
  {
    name: 'puma-no-config',
    language: 'ruby',
    what: 'puma, and config.ru is missing',
    command: 'puma --bind tcp://127.0.0.1:{port}',
    expected: { from: 'exit', facts: [/No application configured|config\.ru/] },
  },
  {
    name: 'puma-config-raises',
    language: 'ruby',
    what: 'puma, and config.ru raises',
    files: { 'config.ru': `raise 'the asset manifest public/assets.json is missing'\n` },
    command: 'puma --bind tcp://127.0.0.1:{port}',
    expected: { from: 'exit', facts: [/the asset manifest public\/assets\.json is missing/], better: [/config\.ru:1/] },
  },
  {
    name: 'puma-own-port',
    language: 'ruby',
    what: 'puma, and config/puma.rb binds a port of its own',
    files: {
      'config.ru': rack,
      'config/puma.rb': `bind 'tcp://127.0.0.1:OTHERPORT'\non_booted_of_shop = nil\n`,
    },
    command: 'puma',
    expected: { from: 4000, facts: [/OTHERPORT/, /INSTANCEPORT|\bPORT\b/], may: ['wrong port'] },
  },
];

export const rubyControls: readonly BootCase[] = [
  {
    name: 'good-puma',
    language: 'ruby',
    what: 'puma with two workers',
    files: { 'config.ru': rack },
    command: 'puma --bind tcp://127.0.0.1:{port}',
    expected: { readyWithinMs: 12_000 },
  },
];
