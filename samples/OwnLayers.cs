// Trains a network of your own layers on the fast engine, without backpropagation, on digits that the program draws. Each of its two
// blocks learns from a loss of its own, by forward gradients with learned feedback. Prints the test error after each of 8 epochs, about
// 3 % at the end, then saves the network with its layers, and reads it back.
#:project ../src/Onward/Onward.csproj

using Onward.Data;
using Onward.Engine;
using Onward.Kernels;
using Onward.Layers;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;
using Onward.Training;

Network network = new(
    input: new(Height: 28, Width: 28, Channels: 1),
    [
        new(new Flatten(), new Linear(784, 512), new LayerNorm(512), new Relu(), new Linear(512, 512), new LayerNorm(512), new Relu()),
        new(new Residual(new Linear(512, 512), new LayerNorm(512), new Relu(), new Linear(512, 512), new LayerNorm(512)), new Relu()),
    ],
    classes: 10);
network.Initialize(seed: 1);
using WorkerTeam team = new(Environment.ProcessorCount);
ForwardGradient rule = new(
    NoiseDistribution.Gaussian,
    LossScope.All,
    passes: 1,
    seed: 1,
    sites: NoiseSites.Hidden,
    controlVariate: ControlVariate.LearnedFeedback);
TrainingOptions options = new() { Epochs = 8, LearningRate = 0.1, Seed = 1 };
new Trainer(new TrainingStep(network, rule, team), DigitsSource.Load(), options, TimeProvider.System).Run(
    epochEnded: epoch => Console.WriteLine($"epoch {epoch.Epoch}: test error {epoch.TestError:F2} %"));

string file = Path.Combine(Path.GetTempPath(), "own-layers.safetensors");
ModelFile.Save(network, file);
IEnumerable<string> blocks = ModelFile.Load(file).Blocks.Select(block => string.Join(", ", block.Description.Layers));
Console.WriteLine($"{file}: {string.Join(" | ", blocks)}");
