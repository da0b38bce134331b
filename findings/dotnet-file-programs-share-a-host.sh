#!/usr/bin/env bash
# .NET 10 SDK: where Directory.Build.props sets ArtifactsPath, single-file programs share one apphost in obj. After `dotnet build a.cs`,
# `dotnet build b.cs` and `dotnet build a.cs` again, `dotnet run --no-build a.cs` prints what b prints: the second build of a copied the host of b.
# IncludeProjectNameInArtifactsPaths=true in the same props gives each program its own folder. Needs the .NET 10 SDK.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

echo 'Console.WriteLine("this is a");' > a.cs
echo 'Console.WriteLine("this is b");' > b.cs
props() {
    echo "<Project><PropertyGroup><UseArtifactsOutput>true</UseArtifactsOutput>
    <ArtifactsPath>\$(MSBuildThisFileDirectory)artifacts</ArtifactsPath>$1</PropertyGroup></Project>" > Directory.Build.props
    rm -rf artifacts
    dotnet build -v quiet a.cs > /dev/null
    dotnet build -v quiet b.cs > /dev/null
    dotnet build -v quiet a.cs > /dev/null
    dotnet run --no-build a.cs
}
shared=$(props "")
apart=$(props "<IncludeProjectNameInArtifactsPaths>true</IncludeProjectNameInArtifactsPaths>")
echo "SDK $(dotnet --version): 'dotnet run a.cs' after building a, b and a prints '$shared'; with the project's name in paths '$apart'"
[ "$shared" = "this is b" ] && [ "$apart" = "this is a" ]
