#!/usr/bin/env bash
# System.Numerics.Tensors: TensorPrimitives.Exp(0) is not 1 and Tanh(0) is not 0 in spans of four floats or more.
#
# The documentation says that Exp "effectively computes destination[i] = MathF.Exp(x[i])", and that results may differ between
# operating systems and architectures. In one process on one machine, the result for a number also depends on the length of the
# span that it stands in: below four floats the scalar function is taken, from four on a vector kernel. Its Exp(0) is the float
# above 1, so that a softmax of a sure answer exceeds 1 and log(1 - p) or (1 - p)^1.5 is not a number. Its Tanh(0) is -6e-8, and
# near 0 its relative error is of the order of 1e-3. doubles have exact ends.
#
# Exits with 1 if that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > probe.csproj <<'P'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup>
  <ItemGroup><PackageReference Include="System.Numerics.Tensors" Version="11.0.0" /></ItemGroup>
</Project>
P
cat > probe.cs <<'P'
using System.Numerics.Tensors;

Console.WriteLine($"System.Numerics.Tensors {typeof(TensorPrimitives).Assembly.GetName().Version}, .NET {Environment.Version}");
bool isAsSeen = true;
foreach (int length in new[] { 1, 3, 4, 16 })
{
    float[] zeros = new float[length], exp = new float[length], tanh = new float[length], small = new float[length];
    TensorPrimitives.Exp<float>(zeros, exp);
    TensorPrimitives.Tanh<float>(zeros, tanh);
    Array.Fill(small, 1e-4f);
    TensorPrimitives.Tanh<float>(small, small);
    Console.WriteLine($"span of {length,2}: Exp(0) = {exp[0]:R}, Tanh(0) = {tanh[0]:R}, Tanh(1e-4) = {small[0]:R}");
    isAsSeen &= length < 4 ? exp[0] == 1 && tanh[0] == 0 : exp[0] > 1 && tanh[0] < 0;
}

float[] p = [0, -17, -17, -17];
TensorPrimitives.Exp<float>(p, p);
float largest = p[0];
Console.WriteLine($"1 - exp(0) in a span of 4: {1 - largest:R}; its logarithm: {MathF.Log(1 - largest)}");
return isAsSeen ? 0 : 1;
P
dotnet run --verbosity quiet
