# The same server as echo.py on the Ruby original:  ruby echo.rb PROCESSES THREADS
require 'riser'
require 'socket'

work_seconds = ENV.fetch('WORK_SECONDS', '0').to_f
server = Riser::SocketServer.new
server.process_num = ARGV[0].to_i
server.thread_num = ARGV[1].to_i
server.dispatch { |connection|
  begin
    loop {
      data = connection.readpartial(4096)
      sleep(work_seconds) if work_seconds > 0
      connection.write(data)
    }
  rescue EOFError, SystemCallError
  end
}

listener = TCPServer.new('127.0.0.1', 0)
listener.listen(1024)
puts "127.0.0.1:#{listener.addr[1]}"
$stdout.flush
server.start(listener)
