#!/usr/bin/env bash
# SkiaSharp: SKCodec.GetPixels says IncompleteInput for a JPEG that lacks the two bytes of its end marker and nothing else, and Success for one that lost half
# of its pixels if an end marker follows. So the result does not tell a whole photograph from a damaged one: the first is refused, the second shows grey.
# Needs the .NET 10 SDK and nuget.org.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

cat > Half.csproj <<'PROJECT'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup>
  <ItemGroup>
    <PackageReference Include="SkiaSharp" Version="3.119.4" />
    <PackageReference Include="SkiaSharp.NativeAssets.Linux.NoDependencies" Version="3.119.4" />
  </ItemGroup>
</Project>
PROJECT
cat > Program.cs <<'PROGRAM'
using System.Runtime.InteropServices;
using SkiaSharp;

using SKBitmap picture = new(new SKImageInfo(64, 64, SKColorType.Rgba8888, SKAlphaType.Opaque));
for (int i = 0; i < 64 * 64; i++)
{
    picture.SetPixel(i % 64, i / 64, new SKColor((byte)(i * 37), (byte)(i / 64 * 4), (byte)(i % 64 * 4)));
}

using SKData encoded = picture.Encode(SKEncodedImageFormat.Jpeg, 90);
byte[] jpeg = encoded.ToArray();
(SKCodecResult _, byte[] whole) = Decode(jpeg);
(SKCodecResult unended, byte[] _) = Decode(jpeg[..^2]);
(SKCodecResult half, byte[] pixels) = Decode([.. jpeg[..(jpeg.Length / 2)], 0xFF, 0xD9]);
Console.WriteLine($"without its end marker: {unended}");
Console.WriteLine($"half of it, then an end marker: {half}, with its pixels: {whole.AsSpan().SequenceEqual(pixels)}");

static (SKCodecResult Result, byte[] Pixels) Decode(byte[] file)
{
    using SKData data = SKData.CreateCopy(file);
    using SKCodec codec = SKCodec.Create(data);
    byte[] pixels = new byte[64 * 64 * 4];
    GCHandle pinned = GCHandle.Alloc(pixels, GCHandleType.Pinned);
    SKCodecResult result = codec.GetPixels(new SKImageInfo(64, 64, SKColorType.Rgba8888, SKAlphaType.Opaque), pinned.AddrOfPinnedObject());
    pinned.Free();
    return (result, pixels);
}
PROGRAM
dotnet build -c Release -o built -v quiet >/dev/null
seen=$(built/Half)
echo "SkiaSharp 3.119.4, a JPEG"; echo "$seen"
[ "$seen" = $'without its end marker: IncompleteInput\nhalf of it, then an end marker: Success, with its pixels: False' ]
