#!/usr/bin/env bash
# SkiaSharp: SKCodec.EncodedOrigin tells the EXIF orientation of a JPEG and of a WebP file, and says TopLeft for a PNG whose eXIf chunk (PNG's third edition)
# says otherwise. Browsers and Pillow's ImageOps.exif_transpose turn such a PNG; a program that relies on EncodedOrigin shows it lying on its side.
# Needs the .NET 10 SDK and nuget.org.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

cat > Origin.csproj <<'PROJECT'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup>
  <ItemGroup>
    <PackageReference Include="SkiaSharp" Version="3.119.4" />
    <PackageReference Include="SkiaSharp.NativeAssets.Linux.NoDependencies" Version="3.119.4" />
  </ItemGroup>
</Project>
PROJECT
cat > Program.cs <<'PROGRAM'
using SkiaSharp;

// Orientation 6: to be shown turned by 90 degrees.
byte[] tiff = [.. "MM\0*"u8, 0, 0, 0, 8, 0, 1, 1, 18, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0];
byte[] jpeg = Encode(SKEncodedImageFormat.Jpeg), png = Encode(SKEncodedImageFormat.Png), webp = Encode(SKEncodedImageFormat.Webp);
byte[] extended = [.. "VP8X"u8, 10, 0, 0, 0, 8, 0, 0, 0, 31, 0, 0, 15, 0, 0];
byte[] body = [.. "WEBP"u8, .. extended, .. webp[12..], .. "EXIF"u8, (byte)tiff.Length, 0, 0, 0, .. tiff];
Console.WriteLine($"JPEG {Origin([.. jpeg[..2], 0xFF, 0xE1, 0, (byte)(8 + tiff.Length), .. "Exif\0\0"u8, .. tiff, .. jpeg[2..]])}");
Console.WriteLine($"WebP {Origin([.. "RIFF"u8, .. BitConverter.GetBytes(body.Length), .. body])}");
Console.WriteLine($"PNG {Origin([.. png[..33], .. Chunk("eXIf"u8, tiff), .. png[33..]])}");

static byte[] Encode(SKEncodedImageFormat format)
{
    using SKBitmap bitmap = new(new SKImageInfo(32, 16, SKColorType.Rgba8888, SKAlphaType.Opaque));
    bitmap.Erase(SKColors.Red);
    using SKData data = bitmap.Encode(format, 90);
    return data.ToArray();
}

static SKEncodedOrigin Origin(byte[] file)
{
    using SKData data = SKData.CreateCopy(file);
    using SKCodec codec = SKCodec.Create(data);
    return codec.EncodedOrigin;
}

// Length, name, content, and the checksum of name and content.
static byte[] Chunk(ReadOnlySpan<byte> name, byte[] content)
{
    uint sum = uint.MaxValue;
    foreach (byte value in (byte[])[.. name, .. content])
    {
        sum ^= value;
        for (int bit = 0; bit < 8; bit++)
        {
            sum = (sum & 1) == 0 ? sum >> 1 : (sum >> 1) ^ 0xEDB88320;
        }
    }

    return [0, 0, 0, (byte)content.Length, .. name, .. content, .. BitConverter.GetBytes(~sum).Reverse()];
}
PROGRAM
dotnet build -c Release -o built -v quiet >/dev/null
seen=$(built/Origin)
echo "SkiaSharp 3.119.4, orientation 6:"; echo "$seen"
[ "$seen" = $'JPEG RightTop\nWebP RightTop\nPNG TopLeft' ]
