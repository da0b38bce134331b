// Measures what a step of learned feedback costs beside a step of the paper's estimator: both take turns, eight steps at a time, so that
// whatever else the machine does meets both. Prints the median of the ratios of neighbours, with its quartiles:
// dotnet run -c Release benchmarks/PairedSteps.cs -- M/8/16 [threads] [pairs]
#:project ../src/Onward/Onward.csproj
#:property PublishAot=false

using System.Diagnostics;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;

const int Batch = 128;
string preset = args[0];
int threads = args.Length > 1 ? int.Parse(args[1]) : 1, pairs = args.Length > 2 ? int.Parse(args[2]) : 25;
(int side, int channels) = preset.Contains("/1/") ? (28, 1) : (32, 3);
float[] pixels = new float[Batch * side * side * channels];
int[] labels = new int[Batch];
Random random = new(1);
for (int i = 0; i < pixels.Length; i++)
{
    pixels[i] = random.NextSingle() - 0.5f;
}

for (int n = 0; n < Batch; n++)
{
    labels[n] = random.Next(10);
}

using WorkerTeam team = new(threads);
Turns plain = new(Rule(NoiseSites.All, ControlVariate.None, layerwise: false));
Turns feedback = new(Rule(NoiseSites.Hidden, ControlVariate.LearnedFeedback, layerwise: true));
plain.Take(pixels, labels);
feedback.Take(pixels, labels);
double[] seconds = [.. Enumerable.Range(0, (2 * pairs) + 1).Select(turn => (turn % 2 == 0 ? plain : feedback).Take(pixels, labels))];

// Each turn of feedback against the mean of the turns around it.
double[] ratios = [.. Enumerable.Range(0, pairs).Select(i => 2 * seconds[(2 * i) + 1] / (seconds[2 * i] + seconds[(2 * i) + 2])).Order()];
Console.WriteLine($"{preset}, {threads} thread(s): {ratios[pairs / 2]:F3} times the plain step ({ratios[pairs / 4]:F3} to {ratios[3 * pairs / 4]:F3}, "
    + $"{pairs} pairs); fastest plain step {Fastest(0):F0} ms, fastest of feedback {Fastest(1):F0} ms");

double Fastest(int first) => 1000 * seconds.Where((_, turn) => turn % 2 == first).Min() / Turns.Steps;

ForwardGradient Rule(NoiseSites sites, ControlVariate controlVariate, bool layerwise)
{
    LocalMixer model = new(LocalMixerPresets.Get(preset, side, channels, classes: 10));
    model.Initialize(seed: 1);
    return new ForwardGradient(
        model, team, NoiseDistribution.Gaussian, LossScope.All, passes: 1, seed: 1, layerwise: layerwise, sites: sites, controlVariate: controlVariate);
}

internal sealed class Turns(ForwardGradient rule)
{
    public const int Steps = 8;

    // Past the steps that feedback is fitted to each of.
    private uint _step = 1000;

    /// <summary>Takes a few steps and returns their seconds.</summary>
    public double Take(float[] pixels, int[] labels)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Steps; i++)
        {
            rule.Step(pixels, labels, _step++);
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
