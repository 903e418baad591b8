# One row of the figures of services, for the Ruby original: seconds per call, on standard output.
#
#   RUBYLIB=path/to/riser/lib ruby calls.rb ROW COUNT

require 'drb'
require 'riser'

class Thing
  include DRb::DRbUndumped

  def poke
  end
end

class Front
  def initialize
    @thing = Thing.new
    @kept = []
  end

  def empty
  end

  def echo(value)
    value
  end

  def block
    yield
  end

  def thing
    @thing
  end

  # A dRuby server holds nothing that it has given away: an object that is not kept is gone at the next collection.
  def make
    @kept.clear if @kept.size > 1000
    @kept << Thing.new
    @kept.last
  end
end

def measure(count)
  [count / 10, 1].max.times { yield }
  began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  count.times { yield }
  (Process.clock_gettime(Process::CLOCK_MONOTONIC) - began) / count
end

def together(starts, count)
  began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  starts.call
  (Process.clock_gettime(Process::CLOCK_MONOTONIC) - began) / count
end

row, count = ARGV[0], ARGV[1].to_i

if row == 'TCP'
  reading, writing = IO.pipe
  pid = fork {
    DRb.start_service('druby://127.0.0.1:0', Front.new)
    writing.puts(DRb.uri)
    writing.close
    DRb.thread.join
  }
  begin
    front = DRbObject.new_with_uri(reading.gets.chomp)
    puts measure(count) { front.empty }
  ensure
    Process.kill(:KILL, pid)
    Process.wait(pid)
  end
  exit
end

limits = { load_limit: 1 << 27 }
services = Riser::DRbServices.new(row == '2 processes' ? 2 : 1, server_config: limits, client_config: limits)
services.add_single_process_service(:front, Front.new)
services.add_single_process_service(:other, Front.new)
services.start_server

case row
when '2 processes'
  each = count / 2
  seconds = together(proc {
    pids = [:front, :other].map {|name|
      fork {
        services.detach_server
        services.start_client
        front = services.get_service(name)
        each.times { front.empty }
        exit!(0)
      }
    }
    pids.each {|pid| Process.waitpid(pid) }
  }, each * 2)
else
  services.start_client
  front = services.get_service(:front)
  kib, mib = 'x' * 1024, 'x' * (1 << 20)
  thing = front.thing
  seconds =
    case row
    when 'empty' then measure(count) { front.empty }
    when '1 KiB' then measure(count) { front.echo(kib) }
    when '1 MiB' then measure(count) { front.echo(mib) }
    when 'block' then measure(count) { front.block { nil } }
    when 'by reference' then measure(count) { thing.poke }
    when 'make, call, release' then measure(count) { front.make.poke }
    when '8 threads'
      8.times.map { Thread.new { front.empty } }.each(&:join)
      each = count / 8
      together(proc { 8.times.map { Thread.new { each.times { front.empty } } }.each(&:join) }, each * 8)
    else abort("no such row: #{row}")
    end
end
puts seconds
$stdout.flush
services.stop_server
