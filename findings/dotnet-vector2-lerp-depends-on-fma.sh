#!/usr/bin/env bash
# Vector2.Lerp has other bits with a fused multiply-add than without: .NET 10 defines it by MultiplyAddEstimate, which rounds once or twice as
# the processor prefers. So points that a program interpolates, and what is drawn from them, differ between machines. The drawn digits
# interpolate by Math.FusedMultiplyAdd instead (src/Onward/Data/Digits/DigitGlyphs.cs).
# Seen on 1 December 2026 with the SDK 10.0.401 on x64:
#   with FMA: 106 of 1000 differ from two products and a sum
#   without FMA: 0 of 1000 differ from two products and a sum
# Exits with 1 if that has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > Lerp.cs <<'CS'
#:property PublishAot=false
using System.Numerics;
using System.Runtime.Intrinsics.X86;
int other = 0;
for (int k = 1; k <= 1000; k++)
{
    Vector2 a = new(0.1f, 0.7f), b = new(0.35f, 0.2f);
    float t = k / 1001f;
    float twice = (a.X * (1 - t)) + (b.X * t);
    other += Vector2.Lerp(a, b, t).X == twice ? 0 : 1;
}
Console.WriteLine($"{(Fma.IsSupported ? "with" : "without")} FMA: {other} of 1000 differ from two products and a sum");
CS
dotnet --version
fused=$(dotnet run Lerp.cs)
plain=$(DOTNET_EnableAVX2=0 dotnet run Lerp.cs)
printf '%s\n' "$fused" "$plain"
case $fused in "with FMA: "*) ;; *) echo "this machine has no fused multiply-add: nothing to see" >&2; exit 0 ;; esac
[ "$fused" != "with FMA: 0 of 1000 differ from two products and a sum" ] && [ "$plain" = "without FMA: 0 of 1000 differ from two products and a sum" ]
