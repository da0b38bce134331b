#!/usr/bin/env bash
# .NET on Unix: the first use of Console.Out, of Console.Error (wherever that goes) or of the stream of Console.OpenStandardOutput writes the terminal's
# keypad code (ESC [?1h ESC =) to standard output, if that is a terminal, in front of what the program prints. Output of `ssh -t`, `docker -t`, `mpirun` and
# `script` then is no valid JSON. A FileStream on descriptor 1 does not do it. Needs the .NET 10 SDK and util-linux's `script`.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 TERM=xterm-256color

cat > Codes.csproj <<'PROJECT'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup>
</Project>
PROJECT
cat > Program.cs <<'PROGRAM'
switch (args[0])
{
    case "out": Console.Out.WriteLine("{}"); break;
    case "error": Console.Error.WriteLine("a message"); break;
    case "stream": Console.OpenStandardOutput().Write("{}\n"u8); break;
    case "file": new FileStream(new Microsoft.Win32.SafeHandles.SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0).Write("{}\n"u8); break;
    case "runtime": Console.OpenStandardOutput().Write(System.Text.Encoding.UTF8.GetBytes($".NET {Environment.Version}\n")); break;
}
PROGRAM
dotnet build -c Release -o built -v quiet >/dev/null

bytes() { script -qec "built/Codes $1 2>/dev/null" /dev/null </dev/null | tr -d '\r\n' | od -An -c | tr -s ' '; }
built/Codes runtime
for way in out error stream file; do echo "standard output of '$way':$(bytes $way)"; done
[ "$(bytes out)" = ' 033 [ ? 1 h 033 = { }' ] && [ "$(bytes error)" = ' 033 [ ? 1 h 033 =' ] && [ "$(bytes stream)" = ' 033 [ ? 1 h 033 = { }' ] && [ "$(bytes file)" = ' { }' ]
