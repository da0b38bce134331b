#!/usr/bin/env bash
# .NET on Unix: the stream of Console.OpenStandardOutput takes a write to a pipe that nobody reads for success, so a program in front of `head` computes on for
# hours. A FileStream on the same descriptor throws IOException (Broken pipe). Needs the .NET 10 SDK.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

cat > Pipe.csproj <<'PROJECT'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup>
</Project>
PROJECT
cat > Program.cs <<'PROGRAM'
using Microsoft.Win32.SafeHandles;

Thread.Sleep(500); // the reader is gone by now
Stream stream = args[0] == "console" ? Console.OpenStandardOutput() : new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
try
{
    stream.Write("result\n"u8);
    File.WriteAllText(args[0], $".NET {Environment.Version}, {args[0]}: the write succeeded");
}
catch (IOException fault)
{
    File.WriteAllText(args[0], $".NET {Environment.Version}, {args[0]}: {fault.Message}");
}
PROGRAM
dotnet build -c Release -o built -v quiet >/dev/null

for way in console file; do built/Pipe $way | true; cat $way; echo; done
grep -q 'the write succeeded' console && grep -q 'Broken pipe' file
