using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Onward.Formats;
using Onward.Kernels;
using Onward.Laboratory;
using Onward.Threads;

namespace Onward.Cli;

/// <summary>What <c>onward doctor</c> looks at in the processor, its memory and the runtime.</summary>
internal static class MachineChecks
{
    // Two fused multiply-adds a cycle, of two operations each.
    private const double OperationsPerCycle = 4;

    // A share of that which a machine with nothing else to do stays above, even one that takes its widest vectors in two halves.
    private const double FairShare = 0.5;

    private const double LeastMemory = 2e9; // bytes
    private const int LeastSecondCache = 512; // KB

    /// <summary>Looks at all of it.</summary>
    /// <param name="threads">Threads that a training would take.</param>
    /// <param name="clock">Tells the time that the matrix product takes.</param>
    internal static IEnumerable<Finding> All(int threads, TimeProvider clock)
    {
        int bits = Gemm.VectorBits;
        double? gigahertz = Gigahertz();
        yield return new Finding("processor", Processor(gigahertz), Finding.Good, "");
        yield return Finding.Of(
            "vector units",
            Features(),
            bits >= 256,
            "Without AVX2 or AVX-512 training takes several times as long; take a machine that has one");
        yield return Finding.Of(
            "kernel width", Invariant(
                $"{bits} bits, {bits / 32} numbers at a time"), bits == 512 || !Avx512F.IsSupported, "The processor has 512 bits, but .NET does not use them; unset DOTNET_EnableAVX512F and DOTNET_EnableHWIntrinsic");
        yield return Threads(threads);
        yield return MatrixPeak(threads, bits, gigahertz, clock);
        yield return Caches();
        yield return Memory();
        yield return Finding.Of(
            ".NET",
            $"{RuntimeInformation.FrameworkDescription} on {RuntimeInformation.OSDescription.Trim()}, {RuntimeInformation.ProcessArchitecture}",
            Environment.Version.Major >= 10,
            "Install .NET 10");
        yield return Finding.Of(
            "OpenSSL",
            OpenSsl.IsMissing ? "not found" : "found, or not needed on this system",
            !OpenSsl.IsMissing,
            "Without it no data set can be downloaded or verified, and no checkpoint of version 0.1 read; training works. " + OpenSsl.Cure);
    }

    private static Finding Threads(int threads)
    {
        int processors = Environment.ProcessorCount;
        return Finding.Of(
            "threads",
            Invariant($"{threads} of {processors} processor{(processors == 1 ? "" : "s")} that this program may use"),
            threads <= processors,
            Invariant($"More threads than processors wait for one another; take --threads {processors}"));
    }

    private static Finding MatrixPeak(int threads, int bits, double? gigahertz, TimeProvider clock)
    {
        using WorkerTeam team = new(threads);
        double peak = new MatrixPeak(team).Measure(clock), each = peak / threads;
        string found = Invariant($"{peak:0} GFLOP/s, {each:0} a thread");
        if (gigahertz is not double cycles)
        {
            return new Finding("matrix product", found, Finding.Good, "");
        }

        double most = cycles * bits / 32 * OperationsPerCycle;
        return Finding.Of(
            "matrix product",
            Invariant($"{found}, {100 * each / most:0} % of two multiply-adds a cycle at {cycles:0.0} GHz"),
            each >= FairShare * most,
            "Other programs take the processor, or it is throttled; end them, or take fewer --threads");
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
            return new Finding("caches", "not told by this system", Finding.Good, "");
        }

        string found = string.Join(
            ", ", caches.Where(cache => cache.Kind != "Instruction").Select(cache => $"level {cache.Level} {cache.Size}"));
        bool isSmall = caches.Find(cache => cache.Level == "2").Size is string second
            && int.TryParse(second.TrimEnd('K'), NumberStyles.None, CultureInfo.InvariantCulture, out int kilobytes)
            && kilobytes < LeastSecondCache;
        return Finding.Of(
            "caches",
            found,
            !isSmall,
            Invariant($"A second cache below {LeastSecondCache}K is too small for the activations of a tile; expect less speed"));
    }

    private static Finding Memory()
    {
        GCMemoryInfo memory = GC.GetGCMemoryInfo();
        return Finding.Of(
            "memory",
            Invariant($"{memory.TotalAvailableMemoryBytes / 1e9:0.0} GB for this program"),
            memory.TotalAvailableMemoryBytes >= LeastMemory,
            "Below 2 GB the larger presets do not fit; train S/1/1, M/1/16 or M/8/16");
    }

    private static string Processor(double? gigahertz) =>
        gigahertz is double value ? Invariant($"{Processors.Name}, {value:0.0} GHz") : Processors.Name;

    private static double? Gigahertz() =>
        double.TryParse(Processors.FromProcessorFile("cpu MHz"), NumberStyles.Float, CultureInfo.InvariantCulture, out double megahertz)
            && megahertz > 0 ? megahertz / 1000 : null;

    private static string Features()
    {
        (string Name, bool Supported)[] known =
        [
            (
                "AVX-512",
                Avx512F.IsSupported), ("AVX2", Avx2.IsSupported), ("FMA", Fma.IsSupported), ("SSE4.2", Sse42.IsSupported), (
                    "AdvSimd", AdvSimd.IsSupported),
        ];
        string[] present = [.. known.Where(feature => feature.Supported).Select(feature => feature.Name)];
        return present.Length == 0 ? "none" : string.Join(", ", present);
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
