#!/usr/bin/env bash
# .NET on Unix: File.ReadAllBytesAsync, given a named pipe to which nobody writes, does not return its task: it waits in the call itself, for the pipe's writer, and
# its cancellation token ends nothing. File.Exists says true for a pipe and File.GetAttributes says Normal, so a pipe among a folder's files stops a program
# that reads them. Needs the .NET 10 SDK.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

cat > Pipe.csproj <<'PROJECT'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup>
</Project>
PROJECT
cat > Program.cs <<'PROGRAM'
using CancellationTokenSource soon = new(TimeSpan.FromMilliseconds(200));
Task? read = null;
Thread thread = new(() => read = File.ReadAllBytesAsync("pipe", soon.Token)) { IsBackground = true };
thread.Start();
bool returned = thread.Join(TimeSpan.FromSeconds(3));
Console.WriteLine($"File.Exists: {File.Exists("pipe")}, attributes: {File.GetAttributes("pipe")}, cancelled: {soon.IsCancellationRequested}, call returned after 3 s: {returned}");
Console.Error.WriteLine($".NET {Environment.Version}");
PROGRAM
dotnet build -c Release -o built -v quiet >/dev/null
mkfifo pipe
seen=$(built/Pipe)
echo "$seen"
[ "$seen" = "File.Exists: True, attributes: Normal, cancelled: True, call returned after 3 s: False" ]
