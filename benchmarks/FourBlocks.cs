// Trains four blocks of M/1/16's width on MNIST with the global loss, with three rules: backpropagation, the paper's activity
// perturbation, and activity perturbation with learned feedback. Prints test errors.
// dotnet run -c Release benchmarks/FourBlocks.cs -- DIR [epochs] [seeds] [rate]
#:project ../src/Onward/Onward.csproj
#:property PublishAot=false

using System.Globalization;
using Onward.Data;
using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;
using Onward.Training;

int epochs = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 5;
int seeds = args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 3;
double rate = args.Length > 3 ? double.Parse(args[3], CultureInfo.InvariantCulture) : 0.01;
ImageDataset mnist = IdxFolder.Load(args[0]);
using WorkerTeam team = new(Environment.ProcessorCount);
Train("BP", 0.1, seed => Backpropagation.ThroughWeights(BackwardScope.Readout));
Train("FG-A", rate, seed => Rule(seed, NoiseSites.All, ControlVariate.None));
Train("FG-A, learned feedback", rate, seed => Rule(seed, NoiseSites.Hidden, ControlVariate.LearnedFeedback));

void Train(string name, double rate, Func<ulong, LearningRule> create)
{
    for (ulong seed = 1; seed <= (ulong)seeds; seed++)
    {
        Network model = LocalMixer.Build(LocalMixerPresets.Get("M/1/16", imageSide: 28, imageChannels: 1, classes: 10) with { Blocks = 4 });
        model.Initialize(seed);
        TrainingOptions options = new() { Epochs = epochs, LearningRate = rate, Seed = seed };
        TrainingStep step = new(model, create(seed), team);
        TrainingResult result = new Trainer(step, mnist, options, TimeProvider.System).Run();
        Console.WriteLine(
            FormattableString.Invariant(
                $"{name}, rate {rate}, seed {seed}: test error {result.TestError:F2} %, {result.ImagesPerSecond:F0} images/s"));
    }
}

ForwardGradient Rule(ulong seed, NoiseSites sites, ControlVariate controlVariate) =>
    new(NoiseDistribution.Gaussian, LossScope.Global, passes: 1, seed, sites: sites, controlVariate: controlVariate);
