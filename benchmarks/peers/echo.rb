# The same server as echo.py on the Ruby original:  ruby echo.rb PROCESSES THREADS
require 'riser'
require 'socket'

server = Riser::SocketServer.new
server.process_num = ARGV[0].to_i
server.thread_num = ARGV[1].to_i
server.dispatch { |connection|
  begin
    loop { connection.write(connection.readpartial(4096)) }
  rescue EOFError, SystemCallError
  end
}

listener = TCPServer.new('127.0.0.1', 0)
listener.listen(1024)
puts "127.0.0.1:#{listener.addr[1]}"
$stdout.flush
server.start(listener)
