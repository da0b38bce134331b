using BenchmarkDotNet.Attributes;
using Onward.Kernels;

namespace Onward.Benchmarks;

/// <summary>Generates random numbers 4096 at a time; times are per number.</summary>
public class RandomBenchmarks
{
    private const int Length = 4096;

    private static readonly RandomStream Stream = new(1, RandomPurpose.Perturbation, Step: 2, Pass: 3, Layer: 4, Example: 5);

    private readonly uint[] _words = new uint[Length];
    private readonly float[] _floats = new float[Length];

    [Benchmark(Baseline = true, OperationsPerInvoke = Length)]
    public void Bits() => CounterRandom.Bits(Stream, 0, _words);

    [Benchmark(OperationsPerInvoke = Length)]
    public void Normals() => CounterRandom.Normals(Stream, 0, _floats);

    [Benchmark(OperationsPerInvoke = Length)]
    public void Noise() => CounterRandom.Noise(Stream, 0, _floats);

    [Benchmark(OperationsPerInvoke = Length)]
    public void Signs() => CounterRandom.Signs(Stream, 0, _floats);
}
