using BenchmarkDotNet.Attributes;
using Onward.Kernels;

namespace Onward.Benchmarks;

/// <summary>Compares the matrix product with its own register tile on data in the first-level cache.</summary>
/// <remarks>The ratio of their FLOP/s is the cost of packing, streaming and edges. GFLOP/s = 2 M N K / time in nanoseconds.</remarks>
public unsafe class GemmBenchmarks
{
    private Memory<float> _a;
    private Memory<float> _b;
    private Memory<float> _packed;
    private Memory<float> _c;
    private Memory<float> _workspace;

    /// <summary>Rows, columns and length of the sums: M x N x K.</summary>
    [Params("64x512x512", "128x512x512", "64x256x256", "64x2048x2048", "512x512x512")]
    public string Size { get; set; } = "";

    private int M { get; set; }

    private int N { get; set; }

    private int K { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        int[] sizes = [.. Size.Split('x').Select(int.Parse)];
        (M, N, K) = (sizes[0], sizes[1], sizes[2]);
        _a = AlignedMemory.Allocate(M * K);
        _b = AlignedMemory.Allocate(N * K);
        _c = AlignedMemory.Allocate(M * N);
        _packed = AlignedMemory.Allocate(Gemm.PackedLength(K, N));
        _workspace = AlignedMemory.Allocate(Gemm.WorkspaceLength(K));
        CounterRandom.Normals(new RandomStream(1, RandomPurpose.Data), 0, _a.Span);
        CounterRandom.Normals(new RandomStream(2, RandomPurpose.Data), 0, _b.Span);
        Gemm.Pack(new(_b.Span, K, N), _packed.Span, K);
    }

    /// <summary>Multiplies a single tile repeatedly, with as many operations as the product has.</summary>
    [Benchmark(Baseline = true)]
    public void RegisterTile()
    {
        GemmTiles tiles = GemmTiles.Best;
        int depth = Math.Min(K, 64);
        long rounds = (long)M * N * K / ((long)tiles.Rows(tiles.Columns) * tiles.Columns * depth);
        fixed (float* a = _a.Span, b = _packed.Span, c = _c.Span)
        {
            TileProduct tile = new()
            {
                A = a,
                RowStride = depth,
                StepStride = 1,
                Rows = tiles.Rows(tiles.Columns),
                B = b,
                Columns = tiles.Columns,
                C = c,
                CStride = tiles.Columns,
                K = depth,
                Accumulate = true,
                Next = (byte*)b,
            };
            for (long i = 0; i < rounds; i++)
            {
                tiles.Multiply(&tile);
            }
        }
    }

    [Benchmark]
    public void Packed() => Gemm.MultiplyPacked(new(_a.Span, M, K), new(_packed.Span, K, N), _c.Span, N, accumulate: false);

    [Benchmark]
    public void PackingEachTime() =>
        Gemm.Multiply(new(_a.Span, M, K), new(_b.Span, K, N), _c.Span, N, accumulate: false, _workspace.Span);

    [Benchmark]
    public void LeftTransposed() =>
        Gemm.MultiplyPacked(new MatrixView(_a.Span, K, M).Transposed, new(_packed.Span, K, N), _c.Span, N, accumulate: true);

    [Benchmark]
    public void RightTransposed() =>
        Gemm.Multiply(new(_a.Span, M, K), new MatrixView(_b.Span, N, K).Transposed, _c.Span, N, accumulate: false, _workspace.Span);
}
