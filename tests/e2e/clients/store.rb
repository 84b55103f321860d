# Stores keys as a Ruby application would: store.rb dalli HOST:PORT:WEIGHT..., keys on stdin.

require "dalli"

client = Dalli::Client.new(ARGV.drop(1), raw: true)
STDIN.each_line do |line|
  key = line.force_encoding("UTF-8").chomp
  client.set(key, "1") or abort "#{key} was not stored"
end
