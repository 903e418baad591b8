# frozen_string_literal: true

# The testee contract for the RISER gem: `ruby adapter.rb CONFIG.json`.
# See docs/testee-contract.md. Services and resources are not offered by this adapter.

require 'digest'
require 'etc'
require 'json'
require 'socket'

begin
  require 'riser'
rescue LoadError => e
  warn "the riser gem is not here: #{e.message}"
  exit 127
end

CALLBACKS = %w[before_start at_fork preprocess dispatch at_stop at_stat postprocess after_stop].freeze
KNOWN = %w[contract events record mode daemon server handler raise_in hang_in exit_in].freeze
PATTERN = (0..255).to_a.pack('C*')

class Testee
  def initialize(path)
    @path = path
    read
    (@config.keys - KNOWN).empty? or exit(127)
    %w[echo probe].include?(@config['handler']) or exit(127)
  end

  attr_reader :config

  def read
    @config = JSON.parse(File.read(@path))
  end

  # One JSON line, one write; a failing write must not harm the daemon.
  def report(name, **fields)
    return unless @config.fetch('record', CALLBACKS).include?(name)

    @events ||= File.open(@config['events'], File::WRONLY | File::APPEND | File::NONBLOCK).tap { |io| io.sync = true }
    @events.syswrite("#{JSON.generate({ event: name, pid: $$, **fields })}\n")
  rescue SystemCallError
    nil
  end

  def callback(name, **fields)
    report(name, **fields)
    exit!(3) if @config.fetch('exit_in', []).include?(name)
    sleep if @config.fetch('hang_in', []).include?(name)
    raise "the scenario asks #{name} to raise" if @config.fetch('raise_in', []).include?(name)
  end

  def setup(server)
    read
    @config.fetch('server', {}).each { |name, value| server.public_send("#{name}=", value) }
    server.before_start { |socket| callback('before_start', address: self.class.describe(socket)) }
    server.at_fork { callback('at_fork') }
    server.preprocess { callback('preprocess') }
    server.at_stop { |state| callback('at_stop', state: state) }
    server.at_stat { |stat| callback('at_stat', stat: stat.transform_values { |v| self.class.plain(v) }) }
    server.postprocess { callback('postprocess') }
    server.after_stop { callback('after_stop') }
    server.dispatch do |socket|
      report('dispatch')
      @config['handler'] == 'echo' ? echo(socket) : Probe.new(socket).serve
    end
  end

  def echo(socket)
    while (line = socket.gets)
      socket.write(line)
    end
  end

  def self.plain(value)
    case value
    when Time then value.to_f
    when Float then value.finite? ? value : nil
    else value
    end
  end

  def self.describe(socket)
    address = socket.local_address
    address.unix? ? "unix:#{address.unix_path}" : address.inspect_sockaddr
  end

  def run
    @config['mode'] == 'daemon' ? run_daemon : run_server
  end

  def run_daemon
    parameters = @config.fetch('daemon', {}).transform_keys(&:to_sym)
    fixed = parameters.slice(*Riser::Daemon::DEFAULT.keys)
    fixed.size == parameters.size or exit(127)
    fixed[:listen_address] = proc { read.dig('daemon', 'listen_address') }
    Riser::Daemon.start_daemon(fixed) { |server| setup(server) }
  end

  def run_server
    server = Riser::SocketServer.new
    setup(server)
    address = Riser::SocketAddress.parse(@config.dig('daemon', 'listen_address'))
    socket = address.open_server
    server.setup(socket)
    trap(:TERM) { server.signal_stop_graceful }
    trap(:INT) { server.signal_stop_forced }
    trap(:USR1) { server.signal_stat_get(reset: true) }
    trap(:USR2) { server.signal_stat_get(reset: false) }
    trap(:WINCH) { server.signal_stat_stop }
    server.start(socket)
  ensure
    File.unlink(address.path) if socket && address.type == :unix
  end
end

# Each line a command, each answer one line.
class Probe
  def initialize(socket)
    @socket = socket
    @stream = Riser::WriteBufferStream.new(socket)
    @buffered = false
    @poll = Riser::ReadPoll.new(socket)
  end

  def serve
    while (line = @socket.gets)
      command, rest = line.chomp.split(' ', 2)
      @poll.reset_timer unless command == 'interval'
      value = answer(command, rest.to_s)
      break if value == :detached

      value.nil? or @socket.closed? or @socket.write("#{value}\n")
      break if @socket.closed?
    end
  end

  def answer(command, rest)
    case command
    when 'echo' then "ok #{rest}"
    when 'pid' then "ok #{$$}"
    when 'ppid' then "ok #{Process.ppid}"
    when 'thread' then "ok #{Thread.current.object_id}"
    when 'cwd' then "ok #{Dir.pwd}"
    when 'umask' then format('ok %04o', File.umask)
    when 'fds' then "ok #{Dir.children('/proc/self/fd').size}"
    when 'ids' then "ok #{ids}"
    when 'sleep' then sleep(rest.to_f) && 'ok'
    when 'raise' then raise "the scenario asks dispatch to raise #{rest}"
    when 'exit' then exit!(rest.to_i)
    when 'hang' then sleep
    when 'close' then @socket.close
    when 'detach' then detach
    when 'send' then send_pattern(rest.to_i)
    when 'receive' then "ok #{Digest::SHA256.hexdigest(@socket.read(rest.to_i).to_s)}"
    when 'poll' then "ok #{@poll.poll(rest.to_f) ? true : false}"
    when 'interval' then "ok #{@poll.interval_seconds}"
    when 'buffer' then (@stream = Riser::WriteBufferStream.new(@socket, rest.to_i)) && 'ok'
    when 'write' then @stream.write(rest) && nil
    when 'flush' then @stream.flush && nil
    else "error unknown command #{command}"
    end
  rescue ArgumentError => e
    "error #{e.message}"
  end

  def ids
    status = File.read('/proc/self/status')
    uid, gid = %w[Uid Gid].map { |name| status[/^#{name}:\s+(\d+\s+\d+\s+\d+)/, 1].split.join(',') }
    "#{uid} #{gid} #{Process.groups.sort.join(',')}"
  end

  def send_pattern(count)
    @socket.write((PATTERN * (count / PATTERN.bytesize + 1)).byteslice(0, count))
    nil
  end

  # The original closes what dispatch leaves open: a second descriptor is how a dispatch keeps its connection.
  def detach
    @socket.write("ok\n")
    (@@kept ||= []) << @socket.dup
    :detached
  end
end

$stdout.sync = true
Testee.new(ARGV.fetch(0)).run
