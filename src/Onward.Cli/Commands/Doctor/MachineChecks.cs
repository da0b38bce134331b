using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Onward.Formats;
using Onward.Kernels;
using Onward.Laboratory;
using Onward.Threads;

namespace Onward.Cli;

/// <summary>The checks of <c>onward doctor</c> for the processor, the memory and the runtime.</summary>
internal static class MachineChecks
{
    // Two fused multiply-adds per cycle, of two operations each.
    private const double OperationsPerCycle = 4;

    // An idle machine reaches this share of its theoretical peak, even if it splits its widest vectors into halves.
    private const double FairShare = 0.5;

    private const double LeastMemory = 2e9; // bytes
    private const int LeastLevel2Cache = 512; // KB

    /// <summary>Makes all checks.</summary>
    /// <param name="threads">The number of threads for training.</param>
    /// <param name="clock">The clock for timing the matrix product.</param>
    internal static IEnumerable<Finding> All(int threads, TimeProvider clock)
    {
        int bits = Gemm.VectorBits;
        double? gigahertz = Gigahertz();
        yield return new Finding("processor", Processor(gigahertz), Finding.Good, "");
        yield return Finding.Of(
            "vector units",
            Features(),
            bits >= 256,
            "Training is several times slower without AVX2 or AVX-512. Use a machine that has one of them");
        yield return Finding.Of(
            "kernel width",
            Invariant($"{bits} bits, {bits / 32} numbers at a time"),
            bits == 512 || !Avx512F.IsSupported,
            "The processor has AVX-512, but .NET does not use it. Unset DOTNET_EnableAVX512F and DOTNET_EnableHWIntrinsic");
        yield return Threads(threads);
        yield return MatrixPeak(threads, bits, gigahertz, clock);
        yield return Caches();
        yield return Memory();
        yield return Finding.Of(
            ".NET",
            $"{RuntimeInformation.FrameworkDescription} on {RuntimeInformation.OSDescription.Trim()}, "
                + $"{RuntimeInformation.ProcessArchitecture}",
            Environment.Version.Major >= 10,
            "Install .NET 10");
        yield return Finding.Of(
            "OpenSSL",
            OpenSsl.IsMissing ? "not found" : "found, or not needed on this system",
            !OpenSsl.IsMissing,
            "Training works, but data sets cannot be downloaded or verified, and checkpoints of version 0.1 cannot be read. "
                + OpenSsl.Cure);
    }

    private static Finding Threads(int threads)
    {
        int processors = Environment.ProcessorCount;
        return Finding.Of(
            "threads",
            Invariant($"{threads}; this program may use {processors} processor{(processors == 1 ? "" : "s")}"),
            threads <= processors,
            Invariant($"Training is slow with more threads than processors. Use --threads {processors}"));
    }

    private static Finding MatrixPeak(int threads, int bits, double? gigahertz, TimeProvider clock)
    {
        using WorkerTeam team = new(threads);
        double peak = new MatrixPeak(team).Measure(clock), each = peak / threads;
        string found = Invariant($"{peak:0} GFLOP/s, {each:0} per thread");
        if (gigahertz is not double cycles)
        {
            return new Finding("matrix product", found, Finding.Good, "");
        }

        double most = cycles * bits / 32 * OperationsPerCycle;
        return Finding.Of(
            "matrix product",
            Invariant($"{found}, {100 * each / most:0} % of the theoretical peak at {cycles:0.0} GHz"),
            each >= FairShare * most,
            "Other programs use the processor, or it is throttled. Stop them, or use fewer --threads");
    }

    private static Finding Caches()
    {
        const string Root = "/sys/devices/system/cpu/cpu0/cache";
        List<(string Level, string Kind, string Size)> caches = [];
        for (int i = 0; Processors.ReadText($"{Root}/index{i}/size") is string size; i++)
        {
            caches.Add((Processors.ReadText($"{Root}/index{i}/level") ?? "?", Processors.ReadText($"{Root}/index{i}/type") ?? "", size));
        }

        if (caches.Count == 0)
        {
            return new Finding("caches", "unknown on this system", Finding.Good, "");
        }

        string found = string.Join(
            ", ", caches.Where(cache => cache.Kind != "Instruction").Select(cache => $"level {cache.Level} {cache.Size}"));
        bool isSmall = caches.Find(cache => cache.Level == "2").Size is string level2
            && int.TryParse(level2.TrimEnd('K'), NumberStyles.None, CultureInfo.InvariantCulture, out int kilobytes)
            && kilobytes < LeastLevel2Cache;
        return Finding.Of(
            "caches",
            found,
            !isSmall,
            Invariant($"Training is slower with a level 2 cache below {LeastLevel2Cache}K. Use a machine with a larger cache"));
    }

    private static Finding Memory()
    {
        GCMemoryInfo memory = GC.GetGCMemoryInfo();
        return Finding.Of(
            "memory",
            Invariant($"{memory.TotalAvailableMemoryBytes / 1e9:0.0} GB for this program"),
            memory.TotalAvailableMemoryBytes >= LeastMemory,
            "Larger presets need more than 2 GB. Train S/1/1, M/1/16 or M/8/16");
    }

    private static string Processor(double? gigahertz) =>
        gigahertz is double value ? Invariant($"{Processors.Name}, {value:0.0} GHz") : Processors.Name;

    private static double? Gigahertz() =>
        double.TryParse(Processors.FromProcessorFile("cpu MHz"), NumberStyles.Float, CultureInfo.InvariantCulture, out double megahertz)
        && megahertz > 0
            ? megahertz / 1000
            : null;

    private static string Features()
    {
        (string Name, bool Supported)[] known =
        [
            ("AVX-512", Avx512F.IsSupported),
            ("AVX2", Avx2.IsSupported),
            ("FMA", Fma.IsSupported),
            ("SSE4.2", Sse42.IsSupported),
            ("AdvSimd", AdvSimd.IsSupported),
        ];
        string[] present = [.. known.Where(feature => feature.Supported).Select(feature => feature.Name)];
        return present.Length == 0 ? "none" : string.Join(", ", present);
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
