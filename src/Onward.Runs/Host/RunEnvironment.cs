using System.Runtime.InteropServices;
using Onward.Kernels;

namespace Onward.Runs;

/// <summary>The machine and the system that a run was begun on, as its configuration keeps them.</summary>
/// <param name="Framework">The version of .NET.</param>
/// <param name="System">The operating system.</param>
/// <param name="Processor">The processor's name.</param>
/// <param name="Processors">Processors that the program could use.</param>
/// <param name="KernelBits">Width of the vectors that kernels worked on.</param>
internal sealed record RunEnvironment(string Framework, string System, string Processor, int Processors, int KernelBits)
{
    /// <summary>The version of this library, of three numbers.</summary>
    internal static string Version { get; } = typeof(RunEnvironment).Assembly.GetName().Version!.ToString(3);

    /// <summary>The machine that this program runs on.</summary>
    internal static RunEnvironment Current { get; } = new(
        RuntimeInformation.FrameworkDescription,
        $"{RuntimeInformation.OSDescription.Trim()}, {RuntimeInformation.ProcessArchitecture}",
        Onward.Runs.Processors.Name,
        Environment.ProcessorCount,
        Gemm.VectorBits);
}
